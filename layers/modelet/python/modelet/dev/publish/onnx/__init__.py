"""Estimators as ONNX graphs: conversion, our own operators, and what is optimized once."""
