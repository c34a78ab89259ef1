"""Plain predictors: classes and modules written for other servers, served as they are; only functions with one import this."""
