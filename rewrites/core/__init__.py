"""What the rules stand on: the rule type, the fixpoint, activation recognition, the fits, certification."""
