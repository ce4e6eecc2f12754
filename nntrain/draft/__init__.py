"""A first config for a data set: what it holds decides how it is learned."""

from nntrain.draft.draft import Draft, draft

__all__ = ["Draft", "draft"]
