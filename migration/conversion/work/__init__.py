"""The edge side of a conversion: the steps of its legs, each observe-then-act. Decides nothing that core could decide."""
