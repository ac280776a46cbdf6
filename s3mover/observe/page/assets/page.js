// Fetches this page every two seconds and replaces the parts that changed. Without JavaScript the page reloads itself.
(() => {
  "use strict";
  const INTERVAL = 2000; // milliseconds

  const hasSelection = (part) => {
    const selection = getSelection();
    return !selection.isCollapsed && part.contains(selection.anchorNode);
  };

  const update = (next) => {
    document.title = next.title;
    document.getElementById("icon").href = next.getElementById("icon").href;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML && !hasSelection(part)) {
        part.replaceChildren(...fresh.childNodes);
      }
    }
  };

  const refresh = async () => {
    const response = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    update(new DOMParser().parseFromString(await response.text(), "text/html"));
  };

  const poll = async () => {
    let isOffline = false;
    if (!document.hidden) {
      try {
        await refresh();
      } catch {
        isOffline = true;
      }
      document.getElementById("offline").hidden = !isOffline;
    }
    setTimeout(poll, INTERVAL);
  };

  setTimeout(poll, INTERVAL);
})();
