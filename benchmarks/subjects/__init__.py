"""What Modelet is measured against: the same model behind a bare handler and behind what people use today."""
