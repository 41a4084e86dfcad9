//! The tests of the product as its users meet it, in one binary: each further binary would link the world again.

mod microsoft;
