variable "name" {
  description = "Name of the instance."
  type        = string
}

variable "resource_group_name" {
  description = "The resource group."
  type        = string
}

variable "location" {
  description = "The region."
  type        = string
  default     = "West Europe"
}

variable "sku_name" {
  description = "Size and kind, by `marrow size`. Search needs a kind that holds all data in memory: no FlashOptimized."
  type        = string
  default     = "Balanced_B3"

  validation {
    condition     = !startswith(var.sku_name, "FlashOptimized_")
    error_message = "sku_name must not be FlashOptimized, which has no search."
  }
}

variable "public_network_access" {
  description = "Enabled or Disabled (then a private endpoint of yours leads there)."
  type        = string
  default     = "Disabled"

  validation {
    condition     = contains(["Enabled", "Disabled"], var.public_network_access)
    error_message = "public_network_access must be Enabled or Disabled."
  }
}

variable "tags" {
  description = "Tags of the instance."
  type        = map(string)
  default     = {}
}
