//! Nothing to build: the one test binary is `product`, over the built `mainstay` and `shop`.
