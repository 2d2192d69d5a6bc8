"""What authors of connectors test with. Not used by a running gateway."""
