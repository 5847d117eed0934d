"""mitmproxy's flows, read and written."""
