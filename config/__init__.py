"""The settings of the service: read once from the environment, typed, frozen."""

from config.documentation import render_documentation, render_environment_sample
from config.loading import load_settings, resolve_settings, settings_from_environment
from config.model import (
    AccessTokenCheck,
    AccessTokenType,
    CodeSettings,
    ContractDefaults,
    ContractSettings,
    CookieSettings,
    DatabaseSettings,
    DeliverySettings,
    Environment,
    FactorMethod,
    KeySettings,
    LoginThrottleSettings,
    PasswordSettings,
    RateLimitSettings,
    SameSite,
    SecondFactorSettings,
    SessionSettings,
    Settings,
    TokenSettings,
    WebSettings,
)
from config.problems import ConfigurationError, Problem
from config.secret import Secret

__all__ = [
    "AccessTokenCheck",
    "AccessTokenType",
    "CodeSettings",
    "ConfigurationError",
    "ContractDefaults",
    "ContractSettings",
    "CookieSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "Environment",
    "FactorMethod",
    "KeySettings",
    "LoginThrottleSettings",
    "PasswordSettings",
    "Problem",
    "RateLimitSettings",
    "SameSite",
    "SecondFactorSettings",
    "Secret",
    "SessionSettings",
    "Settings",
    "TokenSettings",
    "WebSettings",
    "load_settings",
    "render_documentation",
    "render_environment_sample",
    "resolve_settings",
    "settings_from_environment",
]
