# Azure Managed Redis with RediSearch. The module and the clustering policy can only be chosen when the database is made: a change of either
# makes a new one, and the data is lost. RediSearch wants the policy EnterpriseCluster and no eviction.

resource "azurerm_managed_redis" "this" {
  name                      = var.name
  resource_group_name       = var.resource_group_name
  location                  = var.location
  sku_name                  = var.sku_name
  high_availability_enabled = true
  public_network_access     = var.public_network_access
  tags                      = var.tags

  default_database {
    access_keys_authentication_enabled            = true
    client_protocol                               = "Encrypted"
    clustering_policy                             = "EnterpriseCluster"
    eviction_policy                               = "NoEviction"
    persistence_append_only_file_backup_frequency = "1s"

    module {
      name = "RediSearch"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
