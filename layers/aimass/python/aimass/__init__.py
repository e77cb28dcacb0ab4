"""AI Mass: trained models as a service. Imports point inward: adapters and use cases know the domain, never vice versa."""
