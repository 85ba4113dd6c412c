//! The frozen network against the arithmetic that it stands for.
