"""The API of the models, on API Gateway; the API's stack creates it, and each model's stack adds its routes."""
