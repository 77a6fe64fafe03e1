"""The pages: each module has a blueprint called `pages`, and each route says by a decorator of `frame` who may ask for it."""
