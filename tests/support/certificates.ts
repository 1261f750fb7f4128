/** Certificates for tests, made by openssl. */
import { join } from "@std/path";
import { shell } from "./command.ts";

/** A certificate and its key, as files in PEM form. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** An authority that nobody trusts who was not told to. */
export class TestAuthority {
  /** Its own certificate. */
  readonly caFile: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.caFile = join(directory, "ca.pem");
  }

  /** Makes one with its files in `directory`, which exists. */
  static async create(directory: string): Promise<TestAuthority> {
    await shell(
      `cd "$1"
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -nodes -days 2 -subj "/CN=Test authority" \
        -addext basicConstraints=critical,CA:TRUE \
        -keyout ca.key -out ca.pem 2>/dev/null`,
      directory,
    );
    return new TestAuthority(directory);
  }

  /**
   * Issues a certificate for `names` (as in "DNS:localhost,IP:127.0.0.1") that is
   * valid for `days`; a negative number: it is not any more.
   */
  async issue(
    name: string,
    names = "DNS:localhost,IP:127.0.0.1",
    days = 2,
  ): Promise<CertificateFiles> {
    await shell(
      `cd "$1"
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj "/CN=$2" -keyout "$2.key" -out "$2.csr" 2>/dev/null
      printf 'subjectAltName=%s\\nbasicConstraints=CA:FALSE\\n' "$3" > "$2.ext"
      openssl x509 -req -in "$2.csr" -CA ca.pem -CAkey ca.key \
        -CAcreateserial -extfile "$2.ext" -days "$4" -out "$2.pem" 2>/dev/null`,
      this.#directory,
      name,
      names,
      String(days),
    );
    const path = join(this.#directory, name);
    return { cert: `${path}.pem`, key: `${path}.key` };
  }
}
