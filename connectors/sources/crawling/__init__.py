"""What it takes to read a website: addresses, robots.txt, sitemaps, what a page says, what is remembered of it."""
