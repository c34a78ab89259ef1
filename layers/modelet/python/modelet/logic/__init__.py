"""Declarative logic: JsonLogic rules of model.yaml, compiled to functions and metered.

Only functions with rules import it. The engine is our own: those that exist write infinity as null, compare null as a
number, round large integers, or let a short rule write an answer of any size, all in silence;
tests/differential/test_logic.py holds it against one of them.
"""
