"""AI Mass: trained models as a service. Imports point inward: everything knows the domain, which knows nothing."""
