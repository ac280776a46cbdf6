// Asks for the same page again and again, and takes over the parts that changed. Without it the page reloads itself.
(() => {
  "use strict";
  const EVERY = 2000; // milliseconds

  const isBeingRead = (part) => {
    const selection = getSelection();
    return !selection.isCollapsed && part.contains(selection.anchorNode);
  };

  const takeOver = (next) => {
    document.title = next.title;
    document.getElementById("icon").href = next.getElementById("icon").href;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML && !isBeingRead(part)) {
        part.replaceChildren(...fresh.childNodes);
      }
    }
  };

  const ask = async () => {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
  };

  const goOn = async () => {
    let isAway = false;
    if (!document.hidden) {
      try {
        await ask();
      } catch {
        isAway = true;
      }
      document.getElementById("offline").hidden = !isAway;
    }
    setTimeout(goOn, EVERY);
  };

  setTimeout(goOn, EVERY);
})();
