"""What a warm request of Modelet is measured against: handlers of the same models, configured by the environment."""
