"""The source of a version: train.py or a model file, its examples, and facts about both."""
