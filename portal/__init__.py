"""Tenant Portal: documents of many organisations in one installation, each behind four walls."""
