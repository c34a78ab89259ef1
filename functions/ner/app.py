"""Find named entities in a Korean sentence: people, places, organisations, dates, amounts and more.

The model is a small BERT, trained on sentences that were generated from patterns (`training/`): it shows how such a
model is served, and does not read newspapers well.
"""

from modelet import ModelHandler
from modelet.backends.texts.tagging import Sentence, Tagged, TokenClassificationModel


class NerModel(TokenClassificationModel[Sentence, Tagged]):
    """Tags each token, and merges the tokens into entities."""


handler = ModelHandler(NerModel)
