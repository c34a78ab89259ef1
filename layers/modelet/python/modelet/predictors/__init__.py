"""Plain predictors: classes and modules written for other servers, served as they are; only their functions import this."""
