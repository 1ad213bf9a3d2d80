"""The options' stubs, made by `make gen`."""
