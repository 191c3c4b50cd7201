"""What each cheap call costs in quality, measured without a trial."""
