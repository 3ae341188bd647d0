"""The command line: the roof, which knows every room and which no room knows."""
