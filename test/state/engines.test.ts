import { stateContract } from './contract.js'
import { onEachEngine } from './engines.js'

describe('a state engine', () => onEachEngine(stateContract))
