"""The console's pages: one blueprint a page, Jinja templates, own CSS and a few small scripts."""
