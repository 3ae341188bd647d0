"""The documentation: pages made from the code, and the site made from all pages."""
