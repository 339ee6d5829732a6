"""The API of sources and inventories: check, call one service or selector, answer."""
