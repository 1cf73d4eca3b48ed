"""Calls of Airflow's own API; system tests make them inside tasks only."""


def create_airflow_connection(connection_id, connection_conf, **settings):
    """Would make a connection."""


def make_authenticated_rest_api_request(path, method, body=None, **settings):
    """Would call the API."""
