"""Makes `bundle.json` out of a function's folder and its lock; the only place that turns types into core schemas."""
