# Installs the executable of Lockstep on Windows:
#
#   irm @RELEASES@/latest/download/install.ps1 | iex
#
# $env:LOCKSTEP_VERSION      which one, as in 0.1.0; the latest unless set
# $env:LOCKSTEP_INSTALL_DIR  where to; %LOCALAPPDATA%\Programs\lockstep unless set
# $env:LOCKSTEP_RELEASES     where releases are; where this script is from, unless set
#
# Nothing is installed unless its SHA-256 is the one in the release's SHA256SUMS.

function Install-Lockstep {
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12

  $releases = $env:LOCKSTEP_RELEASES
  # A release puts its own address in.
  if (-not $releases) { $releases = '@RELEASES@' }
  if ($releases.StartsWith('@')) { throw 'Say where releases are: $env:LOCKSTEP_RELEASES' }
  $directory = $env:LOCKSTEP_INSTALL_DIR
  if (-not $directory) { $directory = Join-Path $env:LOCALAPPDATA 'Programs\lockstep' }
  $from = "$releases/latest/download"
  if ($env:LOCKSTEP_VERSION) {
    $from = "$releases/download/v$($env:LOCKSTEP_VERSION.TrimStart('v'))"
  }

  if ($env:PROCESSOR_ARCHITECTURE -ne 'AMD64' -and $env:PROCESSOR_ARCHITEW6432 -ne 'AMD64') {
    # Windows on ARM runs programs for x86_64.
    if ($env:PROCESSOR_ARCHITECTURE -ne 'ARM64') {
      throw "There is no executable for $env:PROCESSOR_ARCHITECTURE"
    }
  }
  $name = 'lockstep-x86_64-windows.exe.gz'

  New-Item -ItemType Directory -Force -Path $directory | Out-Null
  $work = Join-Path $directory ".install-$([guid]::NewGuid())"
  New-Item -ItemType Directory -Path $work | Out-Null
  try {
    $packed = Join-Path $work $name
    $sums = Join-Path $work 'SHA256SUMS'
    Invoke-WebRequest -UseBasicParsing -Uri "$from/SHA256SUMS" -OutFile $sums
    Invoke-WebRequest -UseBasicParsing -Uri "$from/$name" -OutFile $packed

    $expected = Get-Content $sums | ForEach-Object {
      $sum, $file = $_ -split '\s+', 2
      if ($file -eq $name) { $sum }
    }
    if (-not $expected) { throw "SHA256SUMS of this release does not name $name" }
    $found = (Get-FileHash -Algorithm SHA256 -Path $packed).Hash
    if ($found -ne $expected) {
      throw "$name is not what was released: SHA-256 $found, expected $expected"
    }

    $program = Join-Path $work 'lockstep.exe'
    $source = [IO.File]::OpenRead($packed)
    try {
      $target = [IO.File]::Create($program)
      try {
        $gzip = New-Object IO.Compression.GZipStream($source, [IO.Compression.CompressionMode]::Decompress)
        $gzip.CopyTo($target)
      } finally { $target.Dispose() }
    } finally { $source.Dispose() }

    $version = & $program --version
    if ($LASTEXITCODE -ne 0) { throw 'What was fetched does not run on this machine' }
    Move-Item -Force -Path $program -Destination (Join-Path $directory 'lockstep.exe')
    Write-Host "$version is now $directory\lockstep.exe"
  } finally {
    Remove-Item -Recurse -Force -Path $work -ErrorAction SilentlyContinue
  }

  $path = [Environment]::GetEnvironmentVariable('Path', 'User')
  if (($path -split ';') -notcontains $directory) {
    [Environment]::SetEnvironmentVariable('Path', "$path;$directory".TrimStart(';'), 'User')
    Write-Host 'It is in the PATH of every new window'
  }
}

# A script that was cut off on its way does nothing.
Install-Lockstep
