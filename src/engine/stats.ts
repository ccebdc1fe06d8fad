/** Error replies are told apart by so many codes of such a length at most (7.2). */
const MAX_ERROR_CODES = 128;
const MAX_CODE_LENGTH = 31;

/** What the server counts about itself, for INFO; CONFIG RESETSTAT sets it back. */
export class Stats {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  /** With the following two. */
  networkInputBytes = 0;
  networkOutputBytes = 0;
  /** What primaries sent, of the stream and before it; what replicas were sent. */
  replicationInputBytes = 0;
  replicationOutputBytes = 0;
  /** Errors of commands that a primary sent. */
  unexpectedErrors = 0;
  /** Times that something was read from, or written to, a client's socket. */
  reads = 0;
  writes = 0;
  errorReplies = 0;
  /** Error replies by their code (`ERR`, `WRONGTYPE`…). */
  readonly errorsByCode = new Map<string, number>();
  private countsCodes = true;
  /** Set by the engine: is told of the codes when there are too many of them. */
  onTooManyCodes: (codes: readonly string[]) => void = () => {};
  queryBufferLimitDisconnections = 0;
  outputBufferLimitDisconnections = 0;
  evictedClients = 0;
  /** Snapshots begun in the background, for each of which Redis forks. */
  snapshots = 0;
  /** Replicas that asked to be synchronised: in full, from where they were, and that in vain. */
  fullSyncs = 0;
  partialSyncs = 0;
  refusedPartialSyncs = 0;
  /** Packed values that RESTORE checked, as `sanitize-dump-payload` asked for. */
  payloadSanitizations = 0;
  aclDeniedAuth = 0;
  aclDeniedCommand = 0;
  aclDeniedKey = 0;
  aclDeniedChannel = 0;
  /** Per second, over the last samples of the cron. */
  readonly commandRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();
  readonly replicationInputRate = new Rate();
  readonly replicationOutputRate = new Rate();
  readonly cycleRate = new Rate();
  readonly busyRate = new Rate();
  /** Set by the composition root: turns of the event loop since the start. */
  countLoopCycles: () => number = () => 0;
  private loopCyclesBefore = 0;
  private loopBusyUsBefore = 0;

  /** Turns of the event loop since the start or the last reset. */
  get loopCycles(): number {
    return this.countLoopCycles() - this.loopCyclesBefore;
  }

  /** Processor time of the loop's thread since the start or the last reset, in microseconds. */
  get loopBusyUs(): number {
    return threadCpuUs() - this.loopBusyUsBefore;
  }

  /** Called by the cron: the rates per second follow from these samples. */
  sampleRates(nowMs: number): void {
    this.commandRate.sample(this.commandsProcessed, nowMs);
    this.inputRate.sample(this.networkInputBytes, nowMs);
    this.outputRate.sample(this.networkOutputBytes, nowMs);
    this.replicationInputRate.sample(this.replicationInputBytes, nowMs);
    this.replicationOutputRate.sample(this.replicationOutputBytes, nowMs);
    this.cycleRate.sample(this.loopCycles, nowMs);
    this.busyRate.sample(this.loopBusyUs, nowMs);
  }

  countError(text: string): void {
    this.errorReplies++;
    if (!this.countsCodes) return;
    const code = codeOf(text);
    const count = this.errorsByCode.get(code);
    if (count === undefined && this.errorsByCode.size === MAX_ERROR_CODES) this.stopCodes();
    else this.errorsByCode.set(code, (count ?? 0) + 1);
  }

  /** Somebody makes up codes: they are counted no longer, until the statistics are reset. */
  private stopCodes(): void {
    this.onTooManyCodes([...this.errorsByCode.keys()]);
    this.countsCodes = false;
    this.errorsByCode.clear();
    this.errorsByCode.set("ERRORSTATS_DISABLED", 1);
  }

  reset(): void {
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.commandsProcessed = 0;
    this.networkInputBytes = 0;
    this.networkOutputBytes = 0;
    this.replicationInputBytes = 0;
    this.replicationOutputBytes = 0;
    this.unexpectedErrors = 0;
    this.reads = 0;
    this.writes = 0;
    this.errorReplies = 0;
    this.errorsByCode.clear();
    this.countsCodes = true;
    this.queryBufferLimitDisconnections = 0;
    this.outputBufferLimitDisconnections = 0;
    this.evictedClients = 0;
    this.snapshots = 0;
    this.fullSyncs = 0;
    this.partialSyncs = 0;
    this.refusedPartialSyncs = 0;
    this.payloadSanitizations = 0;
    this.aclDeniedAuth = 0;
    this.aclDeniedCommand = 0;
    this.aclDeniedKey = 0;
    this.aclDeniedChannel = 0;
    this.commandRate.reset();
    this.inputRate.reset();
    this.outputRate.reset();
    this.replicationInputRate.reset();
    this.replicationOutputRate.reset();
    this.cycleRate.reset();
    this.busyRate.reset();
    this.loopCyclesBefore = this.countLoopCycles();
    this.loopBusyUsBefore = threadCpuUs();
  }
}

/** What precedes the first space, where that is near; else "ERR" (afterErrorReply, Redis). */
function codeOf(text: string): string {
  const space = text.indexOf(" ");
  return space >= 0 && space < MAX_CODE_LENGTH ? text.slice(0, space) : "ERR";
}

function threadCpuUs(): number {
  const { system, user } = process.threadCpuUsage();
  return system + user;
}

const SAMPLES = 16;

/** A counter's growth per second, as the mean of the last sixteen samples. */
export class Rate {
  private readonly samples = new Float64Array(SAMPLES);
  private next = 0;
  private lastMs = 0;
  private lastCount = 0;

  sample(count: number, nowMs: number): void {
    const elapsedMs = nowMs - this.lastMs;
    if (this.lastMs > 0 && elapsedMs > 0) {
      this.samples[this.next] = ((count - this.lastCount) * 1000) / elapsedMs;
      this.next = (this.next + 1) % SAMPLES;
    }
    this.lastMs = nowMs;
    this.lastCount = count;
  }

  get perSecond(): number {
    let sum = 0;
    for (const sample of this.samples) sum += sample;
    return sum / SAMPLES;
  }

  reset(): void {
    this.samples.fill(0);
    this.lastMs = 0;
    this.lastCount = 0;
  }
}
