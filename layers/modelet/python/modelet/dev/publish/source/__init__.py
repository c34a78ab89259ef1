"""What is published: train.py or a finished file, its examples, and what is known of both."""
