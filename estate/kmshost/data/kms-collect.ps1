# Xenbound: reads what this KMS host counts and who asked it in the last 35 days. Read-only; changes and activates nothing.
# Run in Windows PowerShell on the KMS host as a local administrator:
#   powershell -ExecutionPolicy Bypass -File kms-collect.ps1 > kms-reading.json
# Reads two CIM classes of Software Licensing, event 12290 of the log "Key Management Service", and the SMBIOS UUID.

$ErrorActionPreference = 'Stop'
$utcNow = (Get-Date).ToUniversalTime()

$products = Get-CimInstance -ClassName SoftwareLicensingProduct -Filter 'PartialProductKey IS NOT NULL' |
    Select-Object -Property ID, Name, Description, ApplicationID, PartialProductKey, LicenseStatus, LicenseStatusReason,
        GracePeriodRemaining, VLActivationInterval, VLRenewalInterval, IsKeyManagementServiceMachine,
        KeyManagementServiceCurrentCount, RequiredClientCount, KeyManagementServiceTotalRequests,
        KeyManagementServiceFailedRequests, KeyManagementServiceMachine,
        DiscoveredKeyManagementServiceMachineName, DiscoveredKeyManagementServiceMachinePort

$service = Get-CimInstance -ClassName SoftwareLicensingService |
    Select-Object -Property Version, ClientMachineID, IsKeyManagementServiceMachine, KeyManagementServiceCurrentCount,
        KeyManagementServiceListeningPort, KeyManagementServiceDnsPublishing, RemainingWindowsReArmCount

# "No events found" is an error to Get-WinEvent; to us it is an empty list.
$filter = @{ LogName = 'Key Management Service'; Id = 12290; StartTime = (Get-Date).AddDays(-35) }
$requests = Get-WinEvent -FilterHashtable $filter -ErrorAction SilentlyContinue | ForEach-Object {
    [pscustomobject]@{ t = $_.TimeCreated.ToUniversalTime().ToString('o'); id = $_.RecordId; d = @($_.Properties.Value) }
}

@{
    schema  = 1
    now     = $utcNow.ToString('o')
    name    = $env:COMPUTERNAME
    product = @($products)
    service = $service
    ev12290 = @($requests)
    smbios  = (Get-CimInstance -ClassName Win32_ComputerSystemProduct).UUID
} | ConvertTo-Json -Depth 6 -Compress
