"""Policy documents: pure, from words to dicts; and the page that shows them."""
