"""Real apt asked in a sandbox: every system times every card, without a host."""
