"""What is handed out: exports and the pack that compliance signs."""
