"""The operator's metrics, and its log lines about fields of other releases."""
