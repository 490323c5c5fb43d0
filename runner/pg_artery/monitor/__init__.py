"""The monitor page: what the integrations do, at one glance, and the means to put it right."""
