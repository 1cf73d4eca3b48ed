"""The command line, `port`: one file per command, each loaded only when it is called."""
