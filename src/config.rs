//! Settings: flags and the environment. Nothing else reads the environment.
