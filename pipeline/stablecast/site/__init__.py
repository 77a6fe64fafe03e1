"""The pages of a show: values in, bytes out."""
