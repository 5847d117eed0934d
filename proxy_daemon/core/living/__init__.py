"""What happens now: events for those who follow, and answers that grow. Sans-IO."""
