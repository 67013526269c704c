"""The HTTP server: the only part that knows aiohttp's server side."""
