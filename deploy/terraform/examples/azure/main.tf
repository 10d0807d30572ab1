provider "azurerm" {
  features {}
}

module "redis" {
  source = "../../azure"

  name                = "marrow"
  resource_group_name = "ai"
  location            = "West Europe"
  sku_name            = "Balanced_B5"
}

output "marrow_environment" {
  value = module.redis.marrow_environment
}
