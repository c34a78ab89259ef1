"""Plain predictors: classes and modules of other servers, served as they are. Only their functions import this."""
