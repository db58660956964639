"""HTTP in and out: routes, what every response has, request bodies, and the OpenAPI document."""
