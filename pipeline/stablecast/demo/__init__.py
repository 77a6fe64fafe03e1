"""Two short synthetic episodes, so that the whole way can be tried without a recording of anybody."""
